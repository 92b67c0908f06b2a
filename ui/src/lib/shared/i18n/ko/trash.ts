import type * as en from '../en'
import { josa } from '../josa'

export const trash: typeof en.trash = {
  title: '휴지통',
  titleWith: (n) => `휴지통 · ${n}개`,
  text: (days) => `지운 이미지는 ${days}일 동안 여기에 남아 있고, 그대로 되돌릴 수 있어요.`,
  nothing: '휴지통이 비어 있어요.',
  columns: ['이미지', '지운 때', '완전히 지워질 때', '비는 크기'],
  namesOnly: '이 이름만 지웠어요',
  daysLeft: (n) => (n === 1 ? '하루 안에' : `${n}일 뒤`),
  restore: '되돌리기',
  notWhole: '일부가 없어졌어요. 다시 받아 주세요.',
  undo: '실행 취소',
  moved: (name) => `${josa(name, '을/를')} 휴지통에 넣었어요`,
  stays: '완전히 지워질 때 디스크가 비어요.',
  restored: (name) => `${josa(name, '을/를')} 되돌렸어요`,
  taken: (names) => `다른 이미지가 이미 쓰는 이름이라 그대로 두었어요: ${names}`,
  sum: (size) => `비우면 ${josa(size, '이/가')} 비어요`,
  empty: '휴지통 비우기',
  emptyTitle: (n) => (n === 1 ? '이 이미지를 완전히 지울까요?' : `이미지 ${n}개를 완전히 지울까요?`),
  emptyText: (size) => `${josa(size, '이/가')} 비고, 되돌릴 수 없어요. 레지스트리에 있으면 다시 받을 수 있어요.`,
  forGood: '완전히 지우기',
}
